"""`make release`: wheel, images, their bills of materials and checksums, in dist/."""
