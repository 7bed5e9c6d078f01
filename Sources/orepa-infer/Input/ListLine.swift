import OrepaFiles
import OrepaSystem

/// What lines of lists hold that are no paths.
enum ListLine {
    /// The mark of UTF-8 with which some programs begin a text.
    static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// What is behind a path on a line that itself is no file's path, such as ` 8`, a label; nil if there is nothing.
    static func oddity(of line: [UInt8]) -> String? {
        guard
            let blank = line.lastIndex(where: {
                $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t")
            })
        else { return nil }
        let path = line[..<blank].reversed().drop {
            $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t")
        }
        let behind = line[path.count...]
        guard !path.isEmpty, RawPath(bytes: path.reversed()).exists else { return nil }
        return
            "the line has `\(behind.escapedForPrinting())` behind the path of a file; expected a path a line"
    }

    /// A sentence where `lines`, the first ones, are rows of a table and no paths.
    static func table(_ lines: ArraySlice<ArraySlice<UInt8>>) -> String? {
        guard let first = lines.first, !lines.contains(where: { RawPath(bytes: $0).exists }) else {
            return nil
        }
        for (separator, name) in [
            (UInt8(ascii: ","), "CSV"), (9, "tab-separated columns"), (59, "CSV with semicolons"),
        ] {
            let rows = lines.map { fields(of: $0, separator) }
            guard let count = rows.first?.count, rows.allSatisfy({ $0.count == count }) else {
                continue
            }
            let isQuoted = lines.allSatisfy {
                $0.count > 2 && $0.first == UInt8(ascii: "\"") && $0.last == UInt8(ascii: "\"")
            }
            let hasPictures = rows.contains { row in
                row.contains {
                    PictureName.isOne(RawPath(bytes: $0)) || RawPath(bytes: $0).exists
                }
            }
            guard count > 1 && hasPictures || isQuoted else { continue }
            return "expected a path a line, found \(name): "
                + "`\(Array(first.prefix(100)).escapedForPrinting())`; give the column of paths alone"
        }
        return nil
    }

    private static func fields(of line: ArraySlice<UInt8>, _ separator: UInt8) -> [[UInt8]] {
        line.split(separator: separator, omittingEmptySubsequences: false).map { field in
            field.count >= 2 && field.first == UInt8(ascii: "\"")
                && field.last == UInt8(ascii: "\"")
                ? Array(field.dropFirst().dropLast()) : Array(field)
        }
    }
}
