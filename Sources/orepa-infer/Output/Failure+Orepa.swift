import Orepa

extension Failure {
    /// - Parameter error: Of making a model, or of running it.
    init(_ error: OrepaError) {
        let status: Status =
            switch error.code {
            case .notFound: .noInput
            case .outOfMemory, .cancelled, .deadlineExceeded: .refused
            case .notReadable, .invalidModel, .probeFailed, .invalidImage, .invalidArgument,
                .notFinite, .invalidEnvironment:
                .badData
            }
        self.init(status, error.message)
    }
}
