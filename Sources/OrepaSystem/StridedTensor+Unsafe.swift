/// Memory for `[channels, height, width]` Float32 values that need not follow one another: value (c, y, x) lies at
/// `base[c * channelStride + y * rowStride + x * pixelStride]`.
///
/// Borrows the memory; who makes one answers for its strides.
package struct StridedTensor {
    package let base: UnsafeMutablePointer<Float>
    package let channels: Int
    package let height: Int
    package let width: Int
    package let channelStride: Int
    package let rowStride: Int
    package let pixelStride: Int

    package init(
        base: UnsafeMutablePointer<Float>, channels: Int, height: Int, width: Int,
        channelStride: Int, rowStride: Int, pixelStride: Int
    ) {
        self.base = base
        self.channels = channels
        self.height = height
        self.width = width
        self.channelStride = channelStride
        self.rowStride = rowStride
        self.pixelStride = pixelStride
    }

    /// Values that follow one another.
    package init(
        contiguous base: UnsafeMutablePointer<Float>, channels: Int, height: Int, width: Int
    ) {
        self.init(
            base: base, channels: channels, height: height, width: width,
            channelStride: height * width, rowStride: width, pixelStride: 1)
    }

    /// How many values there are.
    package var count: Int { channels * height * width }

    /// Where a row of a channel begins.
    package func row(_ y: Int, channel: Int) -> UnsafeMutablePointer<Float> {
        base + channel * channelStride + y * rowStride
    }
}
