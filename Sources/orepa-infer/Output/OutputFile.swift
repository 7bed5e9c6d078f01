import Glibc
import OrepaFiles
import OrepaSystem

/// Files that commands write: complete or not at all, and never over their own input.
enum OutputFile {
    /// - Parameter path: Where to write, replacing what is there; `-` is standard output.
    static func write(_ bytes: [UInt8], to path: RawPath, input: RawPath) throws(Failure) {
        guard !path.isStandardStream else { return try StandardOutput.shared.writeBytes(bytes) }
        try refuse(path, sameAs: input)
        do { try AtomicFile.write(bytes, to: path, overwrite: true) } catch {
            throw Failure(.cannotCreate, "\(error)")
        }
    }

    /// - Throws: status 73 when both paths name the same file.
    static func refuse(_ output: RawPath, sameAs input: RawPath) throws(Failure) {
        var first = stat()
        var second = stat()
        guard output.withCString({ stat($0, &first) }) == 0,
            input.withCString({ stat($0, &second) }) == 0,
            first.st_dev == second.st_dev, first.st_ino == second.st_ino
        else { return }
        throw Failure(.cannotCreate, "\(output): cannot write: it is the input")
    }
}
