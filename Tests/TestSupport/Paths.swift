/// Path of a file in Tests/Fixtures, found from the calling source file (`Tests/<target>/<name>.swift`) so that
/// tests run in any folder.
public func fixture(_ name: String, file: String = #filePath) -> String {
    let tests = file.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
    return tests.joined(separator: "/") + "/Fixtures/" + name
}

/// Path of a file in the repository, found in the same way.
public func repositoryFile(_ name: String, file: String = #filePath) -> String {
    let root = file.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    return root.joined(separator: "/") + "/" + name
}
