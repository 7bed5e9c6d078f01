/// What a conversion or verification is about to do.
public enum ConversionProgress: Sendable, Hashable {
    /// Called on the thread that called, before each step.
    public typealias Observer = (ConversionProgress) -> Void

    case folding(index: Int, count: Int, name: String)
    case verifying(index: Int, count: Int, name: String)
    /// The SHA-256 of the checkpoint's file.
    case checksum
    /// Running the reference's pictures.
    case reference
    /// Running the picture whose logits the model's file keeps.
    case probing
    case writing
}
