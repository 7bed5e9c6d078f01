/// Channels, height and width of a feature map, without the batch: `[C, H, W]`.
public struct Shape: Sendable, Hashable, CustomStringConvertible {
    /// Number of channels, C.
    public let channels: Int
    /// Rows, H.
    public let height: Int
    /// Columns, W.
    public let width: Int

    /// A shape of these sizes; nothing is checked.
    public init(channels: Int, height: Int, width: Int) {
        self.channels = channels
        self.height = height
        self.width = width
    }

    /// `channels * height * width`.
    public var elementCount: Int { channels * height * width }

    /// `[C, H, W]`.
    public var description: String { "[\(channels), \(height), \(width)]" }
}
