import CFuzzer

@testable import OrepaInfer

/// A list of pictures, of which none is opened; with lines and with NUL.
func fuzzList(_ input: UnsafeRawBufferPointer) -> Int32 {
    let file = FilePath(bytes: memoryFile(holding: input).utf8)
    for isNullSeparated in [false, true] {
        do {
            let list = try ImageList(
                arguments: [], list: PathList(file, isNullSeparated: isNullSeparated),
                recursive: false)
            for picture in list.inputs {
                precondition(picture.path.bytes.count <= input.count + 256)
            }
        } catch {
            precondition(error.message?.isEmpty != true)
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
        precondition(error.message?.isEmpty != true)
    }
    return 0
}

/// The path of a file in memory, always the same one, with these contents.
private func memoryFile(holding contents: UnsafeRawBufferPointer) -> String {
    fuzzer_memory_file(contents.baseAddress, contents.count)
    return "/proc/self/fd/\(fuzzer_memory_file_descriptor())"
}
