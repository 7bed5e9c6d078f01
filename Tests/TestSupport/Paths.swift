/// Path of a file in Tests/Fixtures, found from this source file so that tests run in any folder.
public func fixture(_ name: String, file: String = #filePath) -> String {
    let tests = file.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
    return tests.joined(separator: "/") + "/Fixtures/" + name
}

/// Path of a file in the repository.
public func repositoryFile(_ name: String, file: String = #filePath) -> String {
    let root = file.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    return root.joined(separator: "/") + "/" + name
}
