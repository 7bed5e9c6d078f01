import OrepaPlan

extension Failure {
    /// - Parameter what: What could not be planned, such as a file's path.
    init(_ error: PlanError, planning what: String) {
        switch error {
        case .model(let error): self.init(error)
        default: self.init(error.isRefusal ? .refused : .badData, "\(what): \(error)")
        }
    }
}
