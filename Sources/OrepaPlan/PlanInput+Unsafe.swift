import COrepaKernels
import OrepaNetwork
import OrepaSystem
import OrepaThreads

/// Memory for pictures as the first layers of a ``Plan`` read them: with the zeros around them that the layers need, so that
/// a ``PlanContext`` runs on them where they lie.
///
/// Any thread may write a picture that no other thread writes or runs meanwhile.
public final class PlanInput: @unchecked Sendable {
    /// How many pictures there is room for.
    public let capacity: Int
    private let map: orepa_map
    private let memory: AlignedMemory

    /// Allocates memory for `capacity` pictures, all zero.
    ///
    /// - Throws: ``PlanError/outOfMemory(byteCount:)`` when the system refuses it.
    public init(_ plan: Plan, capacity: Int) throws(PlanError) {
        self.capacity = capacity
        map = plan.blueprint.input.map
        memory = try AlignedMemory(count: PlanInput.count(plan, capacity: capacity))
    }

    /// Elements of the memory for `capacity` pictures.
    private static func count(_ plan: Plan, capacity: Int) -> Int {
        .saturatingProduct(Int(plan.blueprint.input.map.image), capacity)
    }

    /// Bytes that an input for `capacity` pictures takes.
    package static func byteCount(_ plan: Plan, capacity: Int) -> Int {
        .saturatingProduct(count(plan, capacity: capacity), MemoryLayout<Float>.size)
    }

    /// Whether it is laid out as `plan` reads it.
    func fits(_ plan: Plan) -> Bool {
        let other = plan.blueprint.input.map
        return map.channels == other.channels && map.height == other.height
            && map.width == other.width && map.border == other.border && map.block == other.block
    }

    /// The picture at `place`, as the kernels take it; those behind it follow.
    func picture(_ place: Int) -> UnsafePointer<Float> {
        precondition(0...capacity ~= place)
        return UnsafePointer(memory.base + place * Int(map.image))
    }

    /// Where the values of the picture at `place` go.
    ///
    /// - Precondition: The network takes no more channels than a block of the kernels has.
    package func tensor(_ place: Int) -> StridedTensor {
        precondition(0..<capacity ~= place)
        precondition(map.block == 1 || map.channels <= map.block, "channels must be of one block")
        let first = withUnsafePointer(to: map) { Int(orepa_map_offset($0, 0, 0)) }
        return StridedTensor(
            base: memory.base + place * Int(map.image) + first,
            channels: Int(map.channels), height: Int(map.height), width: Int(map.width),
            channelStride: map.block == 1 ? Int(map.plane) : 1, rowStride: Int(map.row),
            pixelStride: Int(map.block))
    }

    /// Copies `tensor`, `[C, H, W]`, Float32, row-major, to `place`.
    ///
    /// - Parameter limits: When to end early.
    /// - Throws: ``PlanError/cancelled``, ``PlanError/deadlineExceeded``.
    /// - Precondition: `tensor` has exactly that many values.
    public func copy(
        _ tensor: UnsafeBufferPointer<Float>, to place: Int, limits: CallLimits = CallLimits()
    ) throws(PlanError) {
        precondition(0..<capacity ~= place)
        precondition(
            tensor.count == Int(map.channels) * Int(map.height) * Int(map.width),
            "the tensor must be [C, H, W]")
        let watch = limits.isNone ? nil : CallWatch(limits)
        watch.withStop { stop in
            withUnsafePointer(to: map) {
                orepa_map_read(
                    $0, tensor.baseAddress!, memory.base + place * Int(map.image), stop)
            }
        }
        if let stop = watch?.stop { throw PlanError(stop) }
    }
}
