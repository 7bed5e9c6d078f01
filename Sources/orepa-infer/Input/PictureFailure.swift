import Orepa
import OrepaFiles
import OrepaImage

/// Why there is no answer about a picture.
struct PictureFailure: Error {
    /// Without the path, which the caller prints.
    let message: String
    /// Whether the system refused memory, descriptors or the like: the picture itself may be sound.
    let isRefusal: Bool

    init(_ message: String, isRefusal: Bool = false) {
        self.message = message
        self.isRefusal = isRefusal
    }

    init(_ error: any Error) {
        switch error {
        case let failure as PictureFailure: self = failure
        case let error as OrepaError: self.init(error)
        case FileError.notFound(""): self.init("\(error)")
        case FileError.notFound: self.init("no such file")
        case FileError.folder(_, let found): self.init("expected a file, found \(found)")
        case FileError.notRegular: self.init("expected a regular file")
        case FileError.notReadable(_, let reason): self.init("cannot read: \(reason)")
        case FileError.outOfMemory(_, let byteCount):
            self.init("the system refused \(byteCount) bytes of memory", isRefusal: true)
        case ImageError.outOfMemory: self.init("\(error)", isRefusal: true)
        default: self.init("\(error)")
        }
    }
}

extension PictureFailure {
    /// - Parameter error: Of a picture that a model was to prepare or run.
    private init(_ error: OrepaError) {
        switch error.cause {
        case .file(let error): self.init(error)
        case .image(let error): self.init(error)
        case nil: self.init(error.message, isRefusal: error.code == .outOfMemory)
        }
    }
}

extension OrepaError {
    /// Whether it says that a file is no picture by content.
    var isAboutOtherContent: Bool {
        switch cause {
        case .image(.noBytes), .image(.unknownFormat): true
        default: false
        }
    }

    /// Whether it says that there is no file.
    var isAboutMissingFile: Bool {
        if case .file(.notFound) = cause { true } else { false }
    }
}
