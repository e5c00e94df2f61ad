"""`make release`: wheels, images, their bills of materials and checksums, in dist/."""
