import Foundation
import Logging
import Orepa
import ServiceLifecycle

/// Classifies each picture that is put into a folder, and writes its answer beside it as `NAME.txt`.
///
/// Pictures come in by renaming, so that none is seen before it is whole, and so do answers.
struct ClassificationService: Service {
    let model: Model
    let inbox: URL
    let logger: Logger

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                for picture in try waitingPictures() { await answer(picture) }
                try? await Task.sleep(for: .milliseconds(50))
            }
        }
        logger.info("stopped")
    }

    private func waitingPictures() throws -> [URL] {
        let files = try FileManager.default.contentsOfDirectory(
            at: inbox, includingPropertiesForKeys: nil)
        return files.filter { file in
            ["jpg", "png"].contains(file.pathExtension)
                && !FileManager.default.fileExists(atPath: answerFile(file).path)
        }
    }

    private func answerFile(_ picture: URL) -> URL { picture.appendingPathExtension("txt") }

    private func answer(_ picture: URL) async {
        // A picture whose call is cut off has no answer yet: the next start gives it one.
        let text: String
        do {
            let limits = CallLimits(deadline: .now + .seconds(10))
            let best = try await model.classify(.file(picture.path), topK: 1, limits: limits)[0]
            text = "\(best.label ?? "class \(best.index)") \(best.probability)"
        } catch  where error.code == .cancelled {
            return
        } catch {
            logger.warning("no answer", metadata: ["error": "\(error)"])
            text = "error: \(error)"
        }
        do {
            try Data((text + "\n").utf8).write(to: answerFile(picture), options: .atomic)
            logger.info(
                "answered",
                metadata: ["picture": "\(picture.lastPathComponent)", "answer": "\(text)"])
        } catch {
            logger.error("cannot write the answer", metadata: ["error": "\(error)"])
        }
    }
}
