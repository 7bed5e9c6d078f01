import Glibc
import OrepaFiles
import OrepaSystem

/// The pictures that the arguments name.
struct ImageList {
    /// A folder that was given.
    struct Folder {
        let path: RawPath
        /// Which of the inputs lie in it.
        let range: Range<Int>
        /// Whether it holds folders that were not entered.
        let hasFolders: Bool
    }

    private(set) var inputs: [ImageInput] = []
    private(set) var folders: [Folder] = []

    /// Files as they are, folders as the files in them sorted by path, `-` as standard input, and the paths in
    /// `list` after them.
    init(arguments: [RawPath], list: PathList?, recursive: Bool) throws(Failure) {
        for path in arguments { add(ImageInput(argument: path), path, recursive: recursive) }
        for path in try list?.paths() ?? [] {
            let input =
                path.isStandardStream ? ImageInput(.standardInput) : ImageInput(.listed(path))
            add(input, path, recursive: recursive)
        }
    }

    private mutating func add(_ input: ImageInput, _ path: RawPath, recursive: Bool) {
        if case .standardInput = input.source { return inputs.append(input) }
        guard path.isFolder else { return inputs.append(input) }
        let found = ImageList.entries(of: path, recursive: recursive)
        folders.append(
            Folder(
                path: path, range: inputs.count..<inputs.count + found.inputs.count,
                hasFolders: found.hasFolders))
        inputs += found.inputs
    }

    /// Regular files under `folder` sorted by path, hidden ones left out. Folders are entered when `recursive`;
    /// links to folders are not, so that there is no going round in circles. What cannot be read becomes an
    /// input that fails.
    private static func entries(
        of folder: RawPath, recursive: Bool
    ) -> (inputs: [ImageInput], hasFolders: Bool) {
        var found: [(path: RawPath, input: ImageInput)] = []
        var hasFolders = false
        func add(_ source: ImageInput.Source, _ path: RawPath) {
            found.append((path, ImageInput(source)))
        }
        func unreadable(_ path: RawPath) -> ImageInput.Source {
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
                    if recursive { pending.append(path) } else { hasFolders = true }
                } else if kind == S_IFREG || (kind == S_IFLNK && !path.isFolder) {
                    add(.folderEntry(path), path)
                }
            }
        }
        let inputs = found.sorted { $0.path.bytes.lexicographicallyPrecedes($1.path.bytes) }
            .map(\.input)
        return (inputs, hasFolders)
    }
}

extension RawPath {
    /// Whether there is a folder, or a link to one, under this path.
    var isFolder: Bool { kind == S_IFDIR }

    /// Whether there is a pipe, or a link to one, under this path.
    var isPipe: Bool { kind == S_IFIFO }

    /// Whether there is anything under this path.
    var exists: Bool { kind != nil }

    /// The kind of file that the path leads to.
    private var kind: mode_t? {
        var status = stat()
        return withCString { stat($0, &status) } == 0 ? status.st_mode & S_IFMT : nil
    }
}
