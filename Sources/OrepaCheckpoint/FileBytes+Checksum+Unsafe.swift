import CZlib
import OrepaFiles

extension FileBytes {
    /// The CRC-32 of the bytes in `range`. Pages of large ranges are released on the way, so that it takes little
    /// memory whatever the size.
    func checksum(of range: Range<Int>) -> UInt32 {
        let piece = 8 << 20
        var value = crc32(0, nil, 0)
        var position = range.lowerBound
        while position < range.upperBound {
            let next = min(position + piece, range.upperBound)
            let part = UnsafeRawBufferPointer(rebasing: bytes[position..<next])
            value = crc32(
                value, part.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(part.count))
            if next < range.upperBound { releasePages(in: position..<next) }
            position = next
        }
        return UInt32(truncatingIfNeeded: value)
    }
}
