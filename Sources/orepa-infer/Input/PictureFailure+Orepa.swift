import Orepa
import OrepaFiles
import OrepaImage

extension PictureFailure {
    /// - Parameter error: Of a picture that a model was to prepare or run.
    init(_ error: OrepaError) {
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
