"""Where the servers come from: a cache folder, filled from Maven Central or Debian's packages."""
