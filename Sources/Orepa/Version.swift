/// The version of the library and of the command line.
public let libraryVersion = "0.1.0"
