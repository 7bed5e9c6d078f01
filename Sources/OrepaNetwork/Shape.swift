/// Channels, height and width of a feature map, without the batch: `[C, H, W]`.
public struct Shape: Sendable, Hashable, CustomStringConvertible {
    public let channels: Int
    public let height: Int
    public let width: Int

    public init(channels: Int, height: Int, width: Int) {
        self.channels = channels
        self.height = height
        self.width = width
    }

    /// `channels * height * width`.
    public var elementCount: Int { channels * height * width }

    public var description: String { "[\(channels), \(height), \(width)]" }
}
