import Glibc
import OrepaSafetensors

/// The pictures that the arguments name.
enum ImageList {
    /// Files as they are, folders as the files in them sorted by path, `-` as standard input, and the
    /// lines of `list` (`-` for standard input) after them.
    static func inputs(
        arguments: [String], list: String?, recursive: Bool
    ) throws(Failure) -> [ImageInput] {
        var inputs = arguments.map(ImageInput.init(argument:))
        if let list {
            inputs += try lines(of: list).map { line in
                line == [UInt8(ascii: "-")]
                    ? ImageInput(.standardInput) : ImageInput(.file(FilePath(bytes: line)))
            }
        }
        return inputs.flatMap { input in
            guard case .file(let path) = input.source, isFolder(path) else { return [input] }
            return entries(of: path, recursive: recursive)
        }
    }

    private static func isFolder(_ path: FilePath) -> Bool {
        var status = stat()
        return path.withCString { stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func lines(of list: String) throws(Failure) -> [ArraySlice<UInt8>] {
        let bytes: [UInt8]
        do {
            bytes =
                list == "-"
                ? try ImageInput.standardInput()
                : try FileBytes(mapping: list).withBytes { Array($0) }
        } catch let error as FileError {
            throw Failure(error)
        } catch {
            throw Failure(.badData, "\(list): \(error)")
        }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            return line.isEmpty ? nil : line
        }
    }

    /// Regular files under `folder` sorted by path, hidden ones left out. Folders are entered when `recursive`;
    /// links to folders are not, so that there is no going round in circles. What cannot be read becomes an
    /// input that fails.
    private static func entries(of folder: FilePath, recursive: Bool) -> [ImageInput] {
        var found: [(path: FilePath, input: ImageInput)] = []
        func add(_ source: ImageInput.Source, _ path: FilePath) {
            found.append((path, ImageInput(source)))
        }
        func unreadable(_ path: FilePath) -> ImageInput.Source {
            let reason = String(cString: strerror(errno))
            return .unreadable(path, .notReadable(path: path.text, reason: reason))
        }
        var pending = [folder]
        while let folder = pending.popLast() {
            guard let directory = folder.withCString({ opendir($0) }) else {
                add(unreadable(folder), folder)
                continue
            }
            defer { closedir(directory) }
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                    Array($0.prefix { $0 != 0 })
                }
                guard name.first != UInt8(ascii: ".") else { continue }
                let path = folder.appending(name)
                var status = stat()
                guard path.withCString({ lstat($0, &status) }) == 0 else {
                    add(unreadable(path), path)
                    continue
                }
                let kind = status.st_mode & S_IFMT
                if kind == S_IFDIR {
                    if recursive { pending.append(path) }
                } else if kind == S_IFREG || (kind == S_IFLNK && !isFolder(path)) {
                    add(.folderEntry(path), path)
                }
            }
        }
        return found.sorted { $0.path.bytes.lexicographicallyPrecedes($1.path.bytes) }.map(\.input)
    }
}
