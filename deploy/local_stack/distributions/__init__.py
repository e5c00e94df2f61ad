"""Downloads of the servers: a cache folder, filled from Maven Central or Debian's packages."""
