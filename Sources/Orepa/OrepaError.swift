import OrepaFiles
import OrepaImage
import OrepaNetwork
import OrepaPlan
import OrepaSystem
import OrepaThreads

/// Why a model cannot be made or a call gives no answer.
public struct OrepaError: Error, Sendable, Hashable {
    /// What kind of failure it is. The numbers never change their meaning; later versions may add some.
    public enum Code: Int32, Sendable, CaseIterable {
        /// There is no file at the path.
        case notFound = 1
        /// The system refused to open or read the file.
        case notReadable = 2
        /// The file is no deployed model that this version runs, or it is damaged.
        case invalidModel = 3
        /// The model's probe gave other logits than when the file was written.
        case probeFailed = 4
        /// The bytes are no JPEG or PNG that can be decoded within the limits.
        case invalidImage = 5
        /// An argument makes no sense: a size, a count, a name.
        case invalidArgument = 6
        /// The system refused memory.
        case outOfMemory = 7
        /// The deadline passed before the call was done.
        case deadlineExceeded = 8
        /// The call was cancelled.
        case cancelled = 9
        /// The network's output is NaN or infinite, so that no class can be named.
        case notFinite = 10
        /// An environment variable (`OREPA_ISA`) has a value that means nothing.
        case invalidEnvironment = 11
    }

    /// What kind of failure it is.
    public let code: Code
    /// A sentence without a full stop that names the thing, what was expected and what was found. What a terminal would
    /// obey of names and other texts from files is escaped (`\x1b`, `\u{202e}`).
    public let message: String
    /// What it follows from, for who tells of it in another way.
    package let cause: Cause?

    /// An error of a module below.
    package enum Cause: Sendable, Hashable {
        case file(FileError)
        case image(ImageError)
    }

    /// An error of that kind, whose message is escaped.
    public init(_ code: Code, _ message: String) { self.init(code, message, cause: nil) }

    private init(_ code: Code, _ message: String, cause: Cause?) {
        self.code = code
        self.message = message.escapedForPrinting()
        self.cause = cause
    }
}

extension OrepaError: CustomStringConvertible {
    /// The message.
    public var description: String { message }
}

extension CallLimits {
    /// - Throws: What ends the call.
    package func check() throws(OrepaError) {
        if let stop { throw OrepaError(stop) }
    }
}

extension OrepaError {
    /// Checks that the system gives that much memory.
    static func check(count: Int, size: Int) throws(OrepaError) {
        do throws(MemoryRefusal) { try SystemMemory.check(count: count, size: size) } catch {
            throw OrepaError(error)
        }
    }

    init(_ stop: CallStop) {
        let code: Code =
            switch stop {
            case .cancelled: .cancelled
            case .deadlineExceeded: .deadlineExceeded
            }
        self.init(code, stop.description)
    }

    /// Without figures: a text that is put together takes memory.
    init(_ error: MemoryRefusal) {
        self.init(.outOfMemory, "expected memory to work with, the system refused it")
    }

    /// - Parameter limits: Of the call that read the file, by which an interruption is named.
    /// - Throws: What ends the call.
    init(_ error: FileError, limits: CallLimits) throws(OrepaError) {
        if case .interrupted = error { try limits.check() }
        self.init(error)
    }

    init(_ error: FileError) {
        let code: Code =
            switch error {
            case .interrupted: .cancelled
            case .notFound: .notFound
            case .outOfMemory: .outOfMemory
            case .folder, .notRegular, .notReadable, .notWritable, .exists: .notReadable
            }
        self.init(code, error.description, cause: .file(error))
    }

    init(_ error: ModelFileError) {
        switch error {
        case .file(let error): self.init(error)
        case .probe: self.init(.probeFailed, error.description)
        case .safetensors(.outOfMemory): self.init(.outOfMemory, error.description)
        case .safetensors, .otherFormat, .notAModel, .newerVersion, .malformed, .network:
            self.init(.invalidModel, error.description)
        }
    }

    /// - Parameter path: The model's, for sentences that do not name it.
    init(_ error: PlanError, path: String) {
        switch error {
        case .model(let error): self.init(error)
        case .network: self.init(.invalidArgument, "\(path): \(error)")
        case .algorithm, .overBudget: self.init(.invalidModel, "\(path): \(error)")
        case .outOfMemory: self.init(.outOfMemory, "\(path): \(error)")
        case .unknownInstructionSet: self.init(.invalidEnvironment, error.description)
        case .cancelled: self.init(CallStop.cancelled)
        case .deadlineExceeded: self.init(CallStop.deadlineExceeded)
        }
    }

    /// - Parameter name: The picture's.
    init(_ error: ImageError, name: String) {
        let code: Code =
            switch error {
            case .outOfMemory: .outOfMemory
            case .wrongPixelCount, .emptyImage, .invalidNormalization, .wrongBufferCount:
                .invalidArgument
            default: .invalidImage
            }
        self.init(code, "\(name): \(error)", cause: .image(error))
    }
}
