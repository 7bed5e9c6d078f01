/// What ends a call before it is done.
public enum CallStop: UInt8, Error, Sendable {
    /// Its ``Cancellation`` was set.
    case cancelled = 1
    /// Its deadline passed.
    case deadlineExceeded
}

extension CallStop: CustomStringConvertible {
    public var description: String {
        switch self {
        case .cancelled: "expected a call that runs to its end, it was cancelled"
        case .deadlineExceeded: "expected a call that ends before its deadline, the deadline passed"
        }
    }
}
