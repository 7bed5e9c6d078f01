import OrepaFiles
import Synchronization

/// One line on standard error that tells how far the work is, when standard error is a terminal.
enum Progress {
    private static let isShown = Mutex(false)

    static func show(_ text: String) {
        guard StandardError.isTerminal else { return }
        isShown.withLock { $0 = true }
        StandardError.writeRaw("\r\u{1B}[K" + text.escapedForPrinting(limit: 200))
    }

    static func wipe() {
        let wasShown = isShown.withLock { shown in
            defer { shown = false }
            return shown
        }
        if wasShown { StandardError.writeRaw("\r\u{1B}[K") }
    }
}
