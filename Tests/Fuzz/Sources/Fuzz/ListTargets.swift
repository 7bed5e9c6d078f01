import CFuzzer
import OrepaSystem

@testable import OrepaInfer

/// A list of pictures, of which none is opened; with lines and with NUL.
func fuzzList(_ input: UnsafeRawBufferPointer) -> Int32 {
    let file = memoryFile(holding: input)
    for isNullSeparated in [false, true] {
        do {
            for path in try PathList(file, isNullSeparated: isNullSeparated).paths() {
                precondition(!path.bytes.isEmpty && path.bytes.count <= input.count)
                _ = path.printable
            }
        } catch {
            check(error)
        }
    }
    return 0
}

/// A file of labels.
func fuzzLabels(_ input: UnsafeRawBufferPointer) -> Int32 {
    do {
        let path = memoryFile(holding: input)
        let labels = try LabelsFile.read(path, expected: 3)
        precondition(labels.count == 3)
    } catch {
        check(error)
    }
    return 0
}

/// The path of a file in memory, always the same one, with these contents.
private func memoryFile(holding contents: UnsafeRawBufferPointer) -> RawPath {
    fuzzer_memory_file(contents.baseAddress, contents.count)
    return RawPath("/proc/self/fd/\(fuzzer_memory_file_descriptor())")
}
