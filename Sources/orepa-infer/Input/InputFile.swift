import OrepaFiles
import OrepaSystem

/// A file that is read whole.
enum InputFile {
    /// The bytes of a regular file, mapped; of a pipe or of standard input (`-`), read.
    static func bytes(_ path: RawPath) throws(FileError) -> FileBytes {
        if path.isStandardStream {
            return try FileBytes(
                copying: InputDescriptor.standardInput().readAll(), path: "standard input")
        }
        guard path.isPipe || path.text == "/dev/stdin" else {
            return try FileBytes(mapping: path)
        }
        return try FileBytes(
            copying: InputDescriptor.open(path).readAll(),
            path: path.description)
    }
}
