/// How a ``PlanContext`` runs the pictures of a call, and the memory that it needs for it.
///
/// Where a call brings a picture or more for each thread, each thread runs the whole network on pictures of its own:
/// none waits for another at the end of a layer, and what a layer has written is in the cache of the thread that reads
/// it. All threads share the layers of the rest.
struct BatchLayout {
    /// For threads that share each layer, for descending numbers of pictures.
    let shared: [PlanBlueprint]
    /// For a thread alone, for descending numbers of pictures down to one; empty when threads always share.
    let separate: [PlanBlueprint]
    let threadCount: Int
    /// Elements of the feature maps' memory.
    let arenaCount: Int
    /// Elements of scratch memory of each thread.
    let scratchCount: Int

    /// More than these and the feature maps of the early layers leave the caches.
    static let mostPicturesShared = 4
    static let mostPicturesOfThread = 2

    /// For `batch` pictures, or fewer at a time where as many take more memory than the plan's budget allows.
    init(_ plan: Plan, batch: Int, threadCount: Int) throws(PlanError) {
        // More change nothing.
        var batch = min(
            batch,
            max(BatchLayout.mostPicturesShared, BatchLayout.mostPicturesOfThread * threadCount))
        var layout = try BatchLayout(plan, exactly: batch, threadCount: threadCount)
        while batch > 1, layout.byteCount(of: plan) > plan.budget.maximumMemory {
            batch /= 2
            layout = try BatchLayout(plan, exactly: batch, threadCount: threadCount)
        }
        self = layout
    }

    /// Bytes of the plan's weights, and of a context.
    private func byteCount(of plan: Plan) -> Int {
        plan.blueprint.memoryUse(
            plan.memory, threadCount: threadCount, arenaCount: arenaCount,
            scratchCount: scratchCount
        ).total
    }

    private init(_ plan: Plan, exactly batch: Int, threadCount: Int) throws(PlanError) {
        self.threadCount = threadCount
        let counts = BatchLayout.counts(plan.memory, batch: batch, threadCount: threadCount)
        var shared: [PlanBlueprint] = []
        for count in counts.shared {
            shared.append(try plan.schedule(pictureCount: count, threadCount: threadCount))
        }
        var separate: [PlanBlueprint] = []
        for count in counts.separate {
            separate.append(try plan.schedule(pictureCount: count, threadCount: 1))
        }
        self.shared = shared
        self.separate = separate
        arenaCount = max(
            shared.first?.arenaCount ?? 0,
            threadCount * BatchLayout.arenaCount(ofThread: separate))
        scratchCount = (shared + separate).map(\.scratchCount).max()!
    }

    /// Pictures that run at a time where there are enough.
    var picturesTogether: Int {
        separate.first.map { $0.pictureCount * threadCount } ?? shared[0].pictureCount
    }

    /// Elements from the feature maps of one thread's pictures to those of the next thread's.
    var threadArenaCount: Int { BatchLayout.arenaCount(ofThread: separate) }

    private static func arenaCount(ofThread separate: [PlanBlueprint]) -> Int {
        (separate.first?.arenaCount ?? 0).roundedUp(to: 16)
    }

    private static func counts(
        _ memory: PlanMemory, batch: Int, threadCount: Int
    ) -> (shared: [Int], separate: [Int]) {
        // Weights that are packed at use are packed by all threads, for all of them.
        guard memory != .small, batch >= threadCount else {
            return (halves(from: min(max(batch, 1), mostPicturesShared)), [])
        }
        return (
            halves(from: min(threadCount - 1, mostPicturesShared)),
            halves(from: min(batch / threadCount, mostPicturesOfThread))
        )
    }

    private static func halves(from count: Int) -> [Int] {
        count == 0 ? [] : [count] + halves(from: count / 2)
    }

    /// Some of the next pictures.
    enum Part {
        /// All threads share the layers of a blueprint's pictures.
        case shared(PlanBlueprint)
        /// Each thread runs a blueprint on pictures of its own, `runs` times in all.
        case separate(PlanBlueprint, runs: Int)

        var pictureCount: Int {
            switch self {
            case .shared(let blueprint): blueprint.pictureCount
            case .separate(let blueprint, let runs): runs * blueprint.pictureCount
            }
        }
    }

    /// What to run when `count` pictures are left, more than 0.
    func part(of count: Int) -> Part {
        for blueprint in separate {
            let rounds = count / (threadCount * blueprint.pictureCount)
            if rounds > 0 { return .separate(blueprint, runs: rounds * threadCount) }
        }
        return .shared(shared.first { $0.pictureCount <= count }!)
    }
}
