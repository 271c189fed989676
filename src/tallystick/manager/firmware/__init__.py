"""Firmware: which versions there are, who is offered which, and the scripts that install them.

======================  =============================================================================================
`roll_out`              who is offered a firmware that is not for everybody yet
`release`               what the files of a release say about themselves
`service`               finding and publishing versions
`view`                  the same over HTTP
`script`                the seam to what a device is sent: blobs of a release turned into commands
`package`               how this house's releases are sent: packages, signed for one model and version
======================  =============================================================================================
"""
