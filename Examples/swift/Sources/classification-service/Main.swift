import Foundation
import Logging
import Orepa
import ServiceLifecycle

@main
struct Main {
    static func main() async throws {
        let logger = Logger(label: "classification-service")
        guard CommandLine.arguments.count == 3 else {
            logger.error("usage: classification-service MODEL FOLDER")
            exit(64)
        }
        var options = Model.Options()
        options.log = { message in
            logger.log(level: message.level == .warning ? .warning : .info, "\(message.text)")
        }
        let model = try Model(path: CommandLine.arguments[1], options: options)
        let service = ClassificationService(
            model: model, inbox: URL(fileURLWithPath: CommandLine.arguments[2]), logger: logger)
        let group = ServiceGroup(
            services: [service], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        try await group.run()
    }
}
