import OrepaImage
import OrepaNetwork
import OrepaPlan
import OrepaThreads

extension Model {
    /// How a model is loaded and run. What is not set has its default.
    public struct Options: Sendable {
        /// Whether layers may be computed by Winograd tiles.
        public var numerics: Numerics = .fast
        /// What is done with packed weights. With `PlanMemory.mapped` they are used in place, where the file has
        /// them and ``trustsPackedWeights`` says so, and shared with other processes; who truncates or overwrites the file
        /// then ends this process or changes its answers. All others read the file into memory.
        public var memory: PlanMemory = .fast
        /// Whether packed weights in the model's file are used. Nothing holds them against the network, and a probe may have
        /// been made with them: for files of one's own, or that `orepa-infer verify` has passed. Otherwise weights are packed
        /// anew from the plain ones.
        public var trustsPackedWeights = false
        /// What the model may cost.
        public var budget = ModelBudget.default
        /// Which threads run a call.
        public var threads: Threads = .own(count: nil)
        /// Height and width that the network runs at, in pixels; nil for the model's own.
        ///
        /// For networks that serve as the backbone of another task. Pictures are resized in proportion: their shorter
        /// side to `resize / crop` of the model's preprocessing times the longer of these two, rounded down.
        public var inputSize: (height: Int, width: Int)?
        /// Whether to run the probe that the model's file keeps, if it does, when loading: a certificate that what runs
        /// here is what was verified, to the bit. Takes as long as one picture. There is none for another input size.
        public var checksProbe = true
        /// Whether pictures are turned the way their EXIF orientation asks for.
        public var appliesExifOrientation = false
        /// What becomes of 16-bit grey samples in PNG files.
        public var sixteenBitGrey = DecodingChoices.SixteenBitGrey.high
        /// Whether a damaged file is an error where Pillow reads it; by default it is answered, with a warning
        /// (``Answer/warnings``).
        public var refusesDamagedPictures = false
        /// What a picture may cost, checked before memory for it is taken.
        public var decodingLimits = DecodingLimits.default
        /// Is told what may interest whoever runs the host, from the thread that it happens on. Without it nothing is
        /// told; nothing is ever printed.
        public var log: (@Sendable (LogMessage) -> Void)?

        /// The defaults.
        public init() {}
    }

    /// Which threads run a call.
    public enum Threads: Sendable {
        /// A pool of the model's own, of `count` threads, the calling one included; nil for as many as
        /// `availableProcessorCount()` says.
        case own(count: Int?)
        /// A pool that several models share. Where calls overlap, one has the pool's threads for a layer and the others
        /// run theirs on their own.
        case shared(WorkerPool)
        /// The calling thread alone.
        case callersThread
        /// Threads that the host brings.
        case parallelFor(ParallelFor)

        /// - Throws: ``OrepaError/Code/invalidArgument`` for numbers of threads that make no sense.
        func pool() throws(OrepaError) -> WorkerPool {
            switch self {
            case .own(let count):
                return WorkerPool(threadCount: try checked(count ?? availableProcessorCount()))
            case .shared(let pool): return pool
            case .callersThread: return WorkerPool(threadCount: 1)
            case .parallelFor(let parallelFor):
                _ = try checked(parallelFor.threadCount)
                return WorkerPool(parallelFor)
            }
        }

        private static let mostThreads = 4096

        private func checked(_ count: Int) throws(OrepaError) -> Int {
            guard 1...Threads.mostThreads ~= count else {
                throw OrepaError(
                    .invalidArgument,
                    "threads: expected 1 to \(Threads.mostThreads), found \(count)")
            }
            return count
        }
    }
}

/// Something that may interest whoever runs the host.
public struct LogMessage: Sendable, Hashable {
    /// How much it matters.
    public enum Level: Int32, Sendable, Comparable, CaseIterable {
        /// What happened.
        case info = 0
        /// Something that was asked for is done in another way.
        case warning = 1

        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    /// How much it matters.
    public let level: Level
    /// One line without a full stop.
    public let text: String
}
