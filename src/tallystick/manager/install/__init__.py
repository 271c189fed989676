"""What is sent to a device: apps in and out, firmware.

======================  =============================================================================================
`image`                 how an app is stored
`flow`                  scripts through the secure channel, and plain ones for the bootloader
`work`                  which script a client named
======================  =============================================================================================
"""
