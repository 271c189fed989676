"""Verified boot: ROM, bootloader, Secure World, Normal World; each is checked before it runs (secure-world 2).

======================  =============================================================================================
`memory`                bytes in memory that nobody can change any more
`image`                 the proof that an image was checked: the only thing that is run
`explain`               the chain as a list of stages, and the one terminal state
`rom`                   the bootloader against the key table in the fuses
`bootloader`            the signed configuration, then the Secure World by its hash
`secure`                the Normal World against the second key
`archive`               the modules of the running image, found and loaded at once
`kept_code`             code of data classes, for what runs from an installation and not from an image
`library`               native code that an image cannot hold, checked against the list inside the image
`slot`                  two slots, trial and fall-back, updates that a power cut cannot break
`chain`                 all of it for one device
`start`                 an image's own beginning, and the hand-over from stage to stage
======================  =============================================================================================
"""
