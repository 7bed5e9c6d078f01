import Orepa

@main
struct Classify {
    static func main() throws {
        var arguments = CommandLine.arguments.dropFirst()
        guard let path = arguments.popFirst() else {
            return print("usage: classify MODEL IMAGE...")
        }
        let model = try Model(path: path)
        let paths = Array(arguments)
        for (path, answer) in zip(paths, try model.run(paths.map { .file($0) })) {
            do {
                let best = try answer.get().top(1)[0]
                print("\(path): \(best.label ?? "class \(best.index)") \(best.probability)")
            } catch {
                print("error: \(error)")
            }
        }
    }
}
