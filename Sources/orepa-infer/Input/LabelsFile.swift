import CEmbeddedData
import OrepaSafetensors

/// A text file with one class name a line, UTF-8.
enum LabelsFile {
    /// - Throws: status 66 when the file is not there, 65 when it is not UTF-8 or has another number of
    ///   names than `expected`.
    static func read(_ path: String, expected: Int) throws(Failure) -> [String] {
        let file: FileBytes
        do { file = try FileBytes(mapping: path) } catch { throw Failure(error) }
        guard let names = file.withBytes({ names($0) }) else {
            throw Failure(.badData, "\(path): expected UTF-8 text, found other bytes")
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
    static var imageNet: [String] { names(orepa_imagenet_labels().buffer) ?? [] }

    private static func names(_ bytes: UnsafeRawBufferPointer) -> [String]? {
        guard var text = String(validating: bytes, as: UTF8.self) else { return nil }
        if text.hasPrefix("\u{FEFF}") { text.unicodeScalars.removeFirst() }
        // Split on scalars: "\r\n" is one Character.
        var names = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            .map { line in String(line.last == "\r" ? line.dropLast() : line) }
        if names.last == "" { names.removeLast() }
        return names
    }
}
