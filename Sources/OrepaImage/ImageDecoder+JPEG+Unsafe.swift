import COrepaImage
import OrepaSystem

extension ImageDecoder {
    /// Decodes a file that ``JPEGHeader`` does not refuse.
    static func decodeJPEG(
        _ call: DecodingCall, _ isInterrupted: () -> Bool
    ) throws(ImageError) -> DecodedPixels {
        let result = withCheck(isInterrupted) { check in
            Result { () throws(ImageError) in try decodeJPEG(call, isInterrupted, check) }
        }
        return try result.get()
    }

    private static func decodeJPEG(
        _ call: DecodingCall, _ isInterrupted: () -> Bool, _ check: orepa_image_check
    ) throws(ImageError) -> DecodedPixels {
        let (bytes, limits) = (call.bytes, call.limits)
        var header = orepa_jpeg_header()
        var failure = orepa_image_error()
        let most = orepa_jpeg_limits(
            scans: UInt32(clamping: limits.maximumScans),
            scanned_samples: UInt64(clamping: limits.maximumScannedSamples))
        guard
            let jpeg = orepa_jpeg_open(
                bytes.pointer, bytes.count, most, check, &header, &failure)
        else {
            if failure.status == OREPA_IMAGE_TOO_LARGE {
                _ = try limits.checkedByteCount(
                    width: Int(header.width), height: Int(header.height))
            }
            throw ImageError(.jpeg, failure, count: bytes.count, limits)
        }
        defer { orepa_jpeg_close(jpeg) }
        let width = Int(header.width)
        let height = Int(header.height)
        let byteCount = try call.reserve(
            width: width, height: height, extra: Int(clamping: header.coefficient_bytes),
            isInterrupted: isInterrupted)
        var damage = orepa_jpeg_damage()
        let pixels: [UInt8]
        do throws(MemoryRefusal) {
            pixels = try [UInt8](systemCount: byteCount) { target in
                orepa_jpeg_read(jpeg, target.baseAddress, &damage, &failure)
            }
        } catch { throw .outOfMemory }
        guard failure.status == OREPA_IMAGE_OK else {
            throw ImageError(.jpeg, failure, count: bytes.count, limits)
        }
        return DecodedPixels(
            image: RGBImage(uncheckedWidth: width, height: height, pixels: pixels),
            warnings: damage.warnings)
    }
}

extension orepa_jpeg_damage {
    fileprivate var warnings: [ImageWarning] {
        var warnings: [ImageWarning] = []
        if warning_count > 0 {
            let more = warning_count > 1 ? " (and \(warning_count - 1) more of the like)" : ""
            warnings.append(.damaged(.jpeg, string(of: warning) + more))
        }
        if has_no_end { warnings.append(.damaged(.jpeg, "no end-of-image marker")) }
        if is_incomplete, !orepa_jpeg_is_version_3() { warnings.append(.incompleteProgressive) }
        return warnings
    }
}

extension orepa_image_error {
    /// The message as a string.
    var text: String { string(of: message) }
}

/// The zero-terminated string that an array of C holds.
private func string<Array>(of array: Array) -> String {
    withUnsafeBytes(of: array) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
