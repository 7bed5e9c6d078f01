import OrepaFiles
import OrepaImage
import OrepaNetwork
import OrepaPlan
import OrepaSystem
import OrepaThreads

/// A deployed model, ready to run.
///
/// Immutable: any number of threads may call one model at a time, without a lock. Each call that overlaps with others has
/// a context of its own, memory in which the network runs; contexts are made when they are needed and kept for later
/// calls until ``trim()``. The logits have the same bits for any threads, batch and place in it.
///
/// The library prints nothing, installs no signal handler, changes no setting of the host's threads and leaves no file
/// descriptor open.
public final class Model: Sendable {
    /// Preprocessing, labels, origin and verification, as the file has them.
    public let description: ModelDescription
    /// Where it was read from, for messages.
    public let path: String
    /// Parts of the network whose feature maps calls can give, in the order in which they run.
    public let stages: [Stage]
    /// Number of values of the feature vector.
    public let featureCount: Int
    let plan: Plan
    let pool: WorkerPool
    let preparation: PicturePreparation
    /// The steps whose values the stages are, and of the feature vector.
    let stageSteps: [Int]
    let featureStep: Int
    /// By name, into ``stages``.
    let stageIndices: [String: Int]
    let log: (@Sendable (LogMessage) -> Void)?
    /// Idle contexts for one picture, and for several.
    private let singleContexts = ContextShelf(count: Model.mostIdleContexts)
    private let batchContexts = ContextShelf(count: Model.mostIdleContexts)

    /// More contexts than this are not kept for later calls.
    static let mostIdleContexts = 64

    /// Loads the model in the file at `path`.
    ///
    /// The whole file is read, unless ``Options/memory`` says `PlanMemory.mapped`, so nothing that happens to it later
    /// matters. With `PlanMemory.fast` only the packed weights stay in memory.
    ///
    /// - Parameters:
    ///   - path: A model file.
    ///   - options: How to load and run it.
    ///   - limits: When to give up: looked at while the file is read, weights are packed and the probe is run.
    /// - Throws: ``OrepaError`` of any code that has to do with files, models, arguments, limits and memory.
    public convenience init(
        path: String, options: Options = Options(), limits: CallLimits = CallLimits()
    ) throws(OrepaError) {
        try self.init(path: RawPath(path), options: options, limits: limits)
    }

    /// The same for a path that need not be UTF-8.
    public convenience init(
        path: RawPath, options: Options = Options(), limits: CallLimits = CallLimits()
    ) throws(OrepaError) {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        let file: FileBytes
        do throws(FileError) {
            file =
                options.memory == .mapped
                ? try FileBytes(mapping: path)
                : try FileBytes(
                    reading: path, largest: options.budget.maximumMemory,
                    isInterrupted: { limits.areReached })
        } catch { throw try OrepaError(error, limits: limits) }
        try self.init(file, options: options, limits: limits)
    }

    /// Loads a model from the bytes of its file, which are copied.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - name: For messages.
    ///   - options: How to load and run it.
    ///   - limits: When to give up.
    /// - Throws: As ``init(path:options:limits:)-(String,_,_)``.
    public convenience init(
        bytes: some Collection<UInt8>, name: String = "model", options: Options = Options(),
        limits: CallLimits = CallLimits()
    ) throws(OrepaError) {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        let file: FileBytes
        do throws(FileError) {
            file = try FileBytes(
                copying: bytes, path: name, isInterrupted: { limits.areReached })
        } catch { throw try OrepaError(error, limits: limits) }
        try self.init(file, options: options, limits: limits)
    }

    convenience init(
        _ file: FileBytes, options: Options, limits: CallLimits = CallLimits()
    ) throws(OrepaError) {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        let model: ModelFile
        do throws(ModelFileError) { model = try ModelFile(file) } catch { throw OrepaError(error) }
        try self.init(model, options: options, limits: limits)
    }

    /// Makes a model of what a file holds.
    ///
    /// - Throws: As ``init(path:options:limits:)-(String,_,_)``.
    public init(
        _ model: ModelFile, options: Options = Options(), limits: CallLimits = CallLimits()
    ) throws(OrepaError) {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        let pool = try options.threads.pool()
        if let size = options.inputSize,
            let side = [size.height, size.width].first(where: {
                !(1...Preprocessing.largestSide ~= $0)
            })
        {
            throw OrepaError(
                .invalidArgument,
                "input size: expected 1 to \(Preprocessing.largestSide) pixels, found \(side)")
        }
        preparation = PicturePreparation(model.description.preprocessing, options: options)
        do throws(PlanError) {
            plan = try Plan(
                model, height: preparation.height, width: preparation.width,
                numerics: options.numerics, memory: options.memory,
                trustsPackedWeights: options.trustsPackedWeights, budget: options.budget,
                pool: pool, limits: limits)
            let context = try ModelContext(plan, batch: 1, pool: pool)
            if options.checksProbe { try context.network.checkProbe(of: model, limits: limits) }
            singleContexts.put(context)
        } catch { throw OrepaError(error, path: model.path) }
        description = model.description
        path = model.path
        self.pool = pool
        log = options.log
        let maps = plan.featureMaps
        // The last node is the linear layer, which reads a global average pool.
        let features = plan.graph.nodes[plan.graph.nodes.count - 1].inputs[0]
        featureStep = maps.first { $0.name == features }!.step
        let stages = Model.stages(of: maps.dropLast().filter { $0.name != features })
        self.stages = stages.map { Stage(name: $0.name, shape: maps[$0.step].shape) }
        featureCount = maps[featureStep].shape.channels
        stageSteps = stages.map(\.step)
        stageIndices = Dictionary(
            stages.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        tellWhatWasLoaded(of: model, options)
    }

    /// The steps of a stage have names that begin with the stage's, such as `stage3.1.conv2`; its value is the last one.
    private static func stages(
        of maps: [(step: Int, name: String, shape: Shape)]
    ) -> [(name: String, step: Int)] {
        var stages: [(name: String, step: Int)] = []
        for map in maps {
            let name = String(map.name.prefix { $0 != "." })
            if stages.last?.name == name { stages.removeLast() }
            stages.append((name, map.step))
        }
        return stages
    }

    private func tellWhatWasLoaded(of model: ModelFile, _ options: Options) {
        guard let log else { return }
        if options.memory == .mapped, !options.trustsPackedWeights, !model.packed.isEmpty {
            log(
                LogMessage(
                    level: .warning,
                    text:
                        "\(path): expected a file whose packed weights are trusted, found no option that says so; "
                        + "weights were packed into memory anew"))
        } else if options.memory == .mapped, plan.memory != .mapped {
            log(
                LogMessage(
                    level: .warning,
                    text:
                        "\(path): expected packed weights for \(plan.instructionSet) in a mapped file, found "
                        + "none that can be used in place; they were packed into memory"))
        }
        if pool.threadCount < pool.requestedThreadCount {
            log(
                LogMessage(
                    level: .warning,
                    text:
                        "\(path): expected \(pool.requestedThreadCount) threads, the system refused "
                        + "\(pool.requestedThreadCount - pool.threadCount) of them"))
        }
        if plan.instructionSet < .best {
            log(
                LogMessage(
                    level: .warning,
                    text:
                        "\(path): expected kernels for \(InstructionSet.best), which this machine has, found "
                        + "those for \(plan.instructionSet), since OREPA_ISA asks for them"))
        }
        log(
            LogMessage(
                level: .info,
                text:
                    "\(path): \(classCount) classes, input \(inputShape), \(plan.instructionSet), "
                    + "\(plan.numerics), \(pool.threadCount) threads, weights \(plan.memory)"))
    }

    /// Number of logits.
    public var classCount: Int { plan.graph.classCount }
    /// Names of the classes, or nil when the model has none.
    public var labels: [String]? { description.labels }
    /// `[channels, H, W]` of what the network takes.
    public var inputShape: Shape {
        Shape(channels: plan.graph.inputChannels, height: plan.height, width: plan.width)
    }
    /// Whose kernels run it.
    public var instructionSet: InstructionSet { plan.instructionSet }
    /// How it computes.
    public var numerics: Numerics { plan.numerics }
    /// What it does with packed weights.
    public var memory: PlanMemory { plan.memory }
    /// Threads that work on a call, the calling one included.
    public var threadCount: Int { pool.threadCount }

    /// How many pictures are best run at a time: two for each thread, so that none of them waits for another and weights are
    /// read once for two; four where weights are packed for each call.
    public var picturesTogether: Int { plan.bestPicturesTogether(threadCount: pool.threadCount) }

    /// Memory for `capacity` pictures, in which they are prepared and run in two calls.
    ///
    /// - Parameter capacity: At least 1. Twice ``picturesTogether`` where some are prepared while others run.
    /// - Throws: ``OrepaError/Code/invalidArgument``, ``OrepaError/Code/outOfMemory``.
    public func makeBatch(capacity: Int) throws(OrepaError) -> PreparedBatch {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        return try PreparedBatch(self, capacity: capacity)
    }

    /// Bytes of memory that the model takes, and each call of `batch` pictures that overlaps with others. Nothing more is
    /// allocated for running; decoding pictures takes memory for them for a while, and what is given back is the caller's.
    public func memoryRequirement(batch: Int = 1) -> MemoryRequirement {
        let batch = contextBatch(count: batch)
        let use = plan.memoryUse(threadCount: pool.threadCount, batch: batch)
        let together = plan.picturesTogether(threadCount: pool.threadCount, batch: batch)
        return MemoryRequirement(
            weights: use.packedWeights,
            context: use.featureMaps + use.scratch
                + PlanInput.byteCount(plan, capacity: together))
    }

    /// Gives back the memory of contexts that no call is using. Calls that run go on; later ones make contexts again.
    public func trim() {
        singleContexts.clear()
        batchContexts.clear()
    }

    /// The batch that a context is made for that is to run `count` pictures.
    private func contextBatch(count: Int) -> Int {
        count > 1 ? picturesTogether : 1
    }

    /// Calls `body` with a context that no other call has.
    func withContext<Result>(
        count: Int, _ body: (ModelContext) throws(OrepaError) -> Result
    ) throws(OrepaError) -> Result {
        let shelf = count > 1 ? batchContexts : singleContexts
        let context: ModelContext
        if let idle = shelf.take() {
            context = idle
        } else {
            do throws(PlanError) {
                context = try ModelContext(
                    plan, batch: contextBatch(count: count), pool: pool)
            } catch { throw OrepaError(error, path: path) }
        }
        defer { shelf.put(context) }
        return try body(context)
    }
}

/// Bytes of memory that a ``Model`` takes.
public struct MemoryRequirement: Sendable, Hashable {
    /// Of the model: its weights as the kernels read them. 0 where they are used in the file or packed for each call.
    public let weights: Int
    /// Of each call that overlaps with others.
    public let context: Int
}
