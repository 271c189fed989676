"""The catalogue of apps: what there is, for which devices and versions of the OS, signed.

======================  =============================================================================================
`service`               devices, finding apps, publishing
`view`                  the same over HTTP
======================  =============================================================================================
"""
