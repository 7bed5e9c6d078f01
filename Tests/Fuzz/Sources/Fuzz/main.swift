import CFuzzer
import Glibc

// Fuzz TARGET [what libFuzzer takes: options, folders of inputs, or files to run once]

guard CommandLine.arguments.count > 1,
    let target = Target.all.first(where: { $0.name == CommandLine.arguments[1] })
else {
    for target in Target.all { print(target.name) }
    exit(64)
}
fuzzer_set_repair(target.repair)
let secondsOfProcessorTime = 5
// Later options win, so that the user's may say otherwise. The timeout is for inputs at which the target waits.
let options = [
    "-timeout=60", "-rss_limit_mb=1024", "-malloc_limit_mb=1024", "-max_len=\(target.largestInput)",
]
let arguments = [CommandLine.arguments[0]] + options + CommandLine.arguments.dropFirst(2)
// For as long as the process lives.
var count = Int32(arguments.count)
var strings: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = .allocate(
    capacity: arguments.count + 1)
for (index, argument) in arguments.enumerated() { strings![index] = strdup(argument) }
strings![arguments.count] = nil
exit(
    withUnsafeMutablePointer(to: &strings) {
        $0.withMemoryRebound(
            to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?.self, capacity: 1
        ) { fuzzer_run(&count, $0, secondsOfProcessorTime, target.function) }
    })
