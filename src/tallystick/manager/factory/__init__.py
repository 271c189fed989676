"""The factory: keys, deterministic images of this very package, and their signatures (secure-world 2; design 4).

======================  =============================================================================================
`key`                   the three key sets
`closure`               which modules an image needs, found without importing one
`pack`                  modules to archive: equal input, equal bytes
`build`                 the three images, the configuration, the signatures
======================  =============================================================================================
"""
