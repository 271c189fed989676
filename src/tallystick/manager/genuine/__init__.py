"""The channel to a device, and what is asked through it: whether it is genuine, what is installed, attestation keys.

======================  =============================================================================================
`channel`               the handshake as a flow; every flow to the Secure World begins with it
`flow`                  genuine check and list of apps
`endorsement`           attestation keys of a device, certified by their owner
======================  =============================================================================================
"""
