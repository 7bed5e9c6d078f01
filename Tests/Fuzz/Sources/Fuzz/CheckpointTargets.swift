@testable import OrepaCheckpoint
@testable import OrepaFiles
@testable import OrepaInfer
@testable import OrepaJSON
@testable import OrepaNetwork
@testable import OrepaTraining

/// A file as `inspect` takes it: recognised, described and printed, then its small tensors read.
func fuzzCheckpoint(_ input: UnsafeRawBufferPointer) -> Int32 {
    inspect(FileBytes(input, path: "input"))
    return 0
}

/// A file of torch's legacy format, of which the input is what follows the first three pickles.
func fuzzPickle(_ input: UnsafeRawBufferPointer) -> Int32 {
    inspect(FileBytes(legacyHead + input, path: "input"))
    return 0
}

/// Magic number, version, and a dict that says little-endian.
private let legacyHead: [UInt8] =
    [0x80, 2, 0x8A, 10] + LegacyFile.magicNumber + [0x2E, 0x80, 2, 0x4D, 0xE9, 3, 0x2E, 0x80, 2]
    + Array("}X\u{D}\0\0\0little_endian".utf8) + [0x88, 0x73, 0x2E]

private func inspect(_ file: FileBytes) {
    do {
        if ModelFile.isClaimed(by: file) {
            try check(Inspection(ModelFile(file), path: file.path, inputSize: nil))
            return
        }
        let checkpoint = try Checkpoint(file)
        for tensor in checkpoint.tensors.prefix(64) where tensor.elementCount <= 4096 {
            _ = try? tensor.doubles()
        }
        try check(
            Inspection(
                checkpoint, TrainingNetwork(checkpoint), inputSize: 224, given: [], warnings: []))
    } catch {
        check(error)
    }
}

/// What is printed holds nothing that a terminal obeys, and is not much longer than what was read.
func check(_ inspection: Inspection) {
    let table = inspection.table
    precondition(table.utf8.count <= 64 << 20)
    for line in table.split(separator: "\n") { precondition(isPrintable(line)) }
    let json = inspection.json.text(.spaced)
    precondition((try? JSONValue(parsing: json)) != nil, "expected JSON, found \(json)")
}

/// So do errors, which are one line.
func check(_ error: any Error) {
    let sentence = (error as? Failure)?.message ?? "\(error)"
    precondition(!sentence.isEmpty && isPrintable(sentence.escapedForPrinting()))
}

private func isPrintable(_ text: some StringProtocol) -> Bool {
    text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F ~= $0.value) }
}
