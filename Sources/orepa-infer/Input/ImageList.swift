import Glibc
import OrepaSafetensors

/// The pictures that the arguments name.
enum ImageList {
    /// Files as they are, folders as the files in them sorted by path, `-` as standard input, and the
    /// lines of `list` (`-` for standard input) after them.
    static func inputs(
        arguments: [String], list: String?, recursive: Bool
    ) throws(Failure) -> [ImageInput] {
        var paths = arguments
        if let list { paths += try lines(of: list) }
        var inputs: [ImageInput] = []
        for path in paths {
            if path == "-" {
                inputs.append(ImageInput(path: path, isStandardInput: true, isFromFolder: false))
            } else if isFolder(path) {
                var files: [ImageInput] = []
                collect(path, recursive: recursive, into: &files)
                inputs += files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
            } else {
                inputs.append(ImageInput(path: path, isStandardInput: false, isFromFolder: false))
            }
        }
        return inputs
    }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func lines(of list: String) throws(Failure) -> [String] {
        var bytes: [UInt8] = []
        if list == "-" {
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = read(STDIN_FILENO, &chunk, chunk.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { break }
                bytes += chunk[..<count]
            }
        } else {
            do { bytes = try FileBytes(mapping: list).withBytes { Array($0) } } catch {
                throw Failure(error)
            }
        }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
        }
    }

    /// Regular files under `folder`, hidden ones left out. Folders are entered when `recursive`; links to
    /// folders are not, so that there is no going round in circles. What cannot be read becomes an input that
    /// fails, among them files whose names are not UTF-8.
    private static func collect(
        _ folder: String, recursive: Bool, into files: inout [ImageInput]
    ) {
        func add(_ path: String, failure: FileError? = nil) {
            files.append(
                ImageInput(
                    path: path, isStandardInput: false, isFromFolder: true, failure: failure))
        }
        func unreadable(_ path: String) -> FileError {
            .notReadable(path: path, reason: String(cString: strerror(errno)))
        }
        var pending = [folder]
        while let folder = pending.popLast() {
            guard let directory = opendir(folder) else {
                add(folder, failure: unreadable(folder))
                continue
            }
            defer { closedir(directory) }
            while let entry = readdir(directory) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                guard !name.hasPrefix(".") else { continue }
                let path = folder.hasSuffix("/") ? folder + name : folder + "/" + name
                var status = stat()
                guard lstat(path, &status) == 0 else {
                    add(path, failure: unreadable(path))
                    continue
                }
                let kind = status.st_mode & S_IFMT
                if kind == S_IFDIR {
                    if recursive { pending.append(path) }
                } else if kind == S_IFREG || (kind == S_IFLNK && !isFolder(path)) {
                    add(path)
                }
            }
        }
    }
}
