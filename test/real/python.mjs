// A Python program that checks a server and ends with "N passed, N failed".
import { spawn } from 'node:child_process'
import { join } from 'node:path'

/** Runs `test/real/python/<program>`; its settings are in the environment under `variable`. Without its closing line it failed once. */
export async function runPython(program, variable, settings) {
  const python = process.env.INTERLAKEN_TEST_PYTHON ?? 'python3'
  const job = spawn(python, [join(import.meta.dirname, 'python', program)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      PYTHONUNBUFFERED: '1',
      PYTHONDONTWRITEBYTECODE: '1',
      [variable]: JSON.stringify(settings),
    },
  })
  let output = ''
  job.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
    process.stdout.write(text)
  })
  const code = await new Promise((resolve) => job.once('close', resolve))
  const counts = /^(\d+) passed, (\d+) failed$/m.exec(output)
  if (counts !== null) return { passed: Number(counts[1]), failed: Number(counts[2]) }
  process.stdout.write(`FAILED: ${program} ended with ${code} before its end\n`)
  return { passed: 0, failed: 1 }
}
