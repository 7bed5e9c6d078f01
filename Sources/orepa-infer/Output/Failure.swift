import Glibc

/// Ends the program with a message and a status from sysexits.h.
struct Failure: Error {
    enum Status: Int32 {
        case someImagesFailed = 1
        case usage = 64
        case badData = 65
        case noInput = 66
        /// A library that only some commands need is not on this machine.
        case unavailable = 69
        /// The system refused memory, threads or descriptors.
        case refused = 71
        case cannotCreate = 73
        /// Nobody reads standard output any more: no message.
        case closedPipe = 141
    }

    let status: Status
    let message: String?

    init(_ status: Status, _ message: String? = nil) {
        self.status = status
        self.message = message
    }

    func exit() -> Never {
        if status != .closedPipe { try? StandardOutput.shared.flush() }
        if let message { StandardError.write("orepa-infer: \(message)") }
        Glibc.exit(status.rawValue)
    }
}
