"""The factory's side of provisioning: devices get their certificate, each once (attestation 1).

======================  =============================================================================================
`certify`               what a device said is checked, and the issuer signs
`record`                which devices got one: the seam, and a file for a workshop without a database
======================  =============================================================================================

`tallystick.manager.db.provisioned` is the record in a manager's database.
"""
