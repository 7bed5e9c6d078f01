/// What reading a checkpoint may take, whatever its bytes say.
public struct CheckpointLimits: Sendable, Hashable {
    /// Size of one pickle in bytes.
    public var pickleByteCount = 64 << 20
    /// Values that a pickle may put on its stack, into its memo and into its containers.
    public var pickleValueCount = 4_000_000
    /// Open marks, which is how deep a pickle's literals nest.
    public var pickleNesting = 1_000
    /// Size of one integer of a pickle in bytes.
    public var pickleIntegerByteCount = 1_024
    /// Elements that the tensors of the state dict may have beyond one for each byte of the file: views can repeat
    /// an element any number of times.
    public var repeatedElementCount = 1 << 24

    public init() {}

    public static let `default` = CheckpointLimits()
}
