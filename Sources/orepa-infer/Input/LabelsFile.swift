import CEmbeddedData
import OrepaFiles
import OrepaSystem

/// A file with class names: text, UTF-8, one a line, or JSON (``LabelsDocument``).
enum LabelsFile {
    /// - Throws: status 66 when the file is not there, 65 when it is not UTF-8 or has another number of
    ///   names than `expected`.
    static func read(_ path: RawPath, expected: Int) throws(Failure) -> [String] {
        let file: FileBytes
        do { file = try InputFile.bytes(path) } catch { throw Failure(error) }
        do throws(LabelsDocument.Mismatch) {
            if let document = try LabelsDocument(file) {
                return try document.names(expected: expected)
            }
        } catch { throw Failure(.badData, "\(path): \(error.sentence)") }
        guard var names = file.withBytes({ lines(of: $0) }) else {
            throw Failure(.badData, "\(path): expected UTF-8 text, found other bytes")
        }
        guard names.contains(where: { !$0.allSatisfy(\.isWhitespace) }) else {
            throw Failure(
                .badData, "\(path): expected \(expected) names, one a line, found blank lines only")
        }
        // Blank lines at the end are no labels, unless the network has a class for each.
        while names.count > expected, names.last?.allSatisfy(\.isWhitespace) == true {
            names.removeLast()
        }
        guard names.count == expected else {
            throw Failure(
                .badData,
                "\(path): expected \(expected) names, one a line, as the network has classes; "
                    + "found \(names.count)")
        }
        return names
    }

    /// The names of ImageNet's 1000 classes, built into the program.
    static var imageNet: [String] { lines(of: orepa_imagenet_labels().buffer) ?? [] }

    private static func lines(of bytes: UnsafeRawBufferPointer) -> [String]? {
        guard var text = String(validating: bytes, as: UTF8.self) else { return nil }
        if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
        // Split on scalars: "\r\n" is one Character.
        var names = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            .map { line in String(line.last == "\r" ? line.dropLast() : line) }
        if names.last == "" { names.removeLast() }
        return names
    }
}
