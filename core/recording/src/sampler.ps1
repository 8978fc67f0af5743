# Samples the pool tags of this machine into a CSV file that poolscope reads:
#
#     powershell -NoProfile -ExecutionPolicy Bypass -File THIS_FILE.ps1
#     poolscope poolmon pool-samples-....csv
#
# Calls NtQuerySystemInformation, as poolmon does; installs nothing and changes nothing. Each sample is appended as a whole and
# written through to the disk, so that a crash of the machine costs at most the sample that was being written.
# Written by poolscope. Ctrl+C stops it.
#requires -Version 3
param(
    # The file; by default a new one in the folder of this script.
    [string]$OutFile = '',
    # Seconds between samples.
    [int]$EverySeconds = {{EVERY}},
    # Stop after this many seconds.
    [int]$ForSeconds = {{FOR}}
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

Add-Type -TypeDefinition @'
using System;
using System.Runtime.InteropServices;
using System.Text;

public static class PoolTagSampler
{
    const int SystemPoolTagInformation = 22;
    const int StatusInfoLengthMismatch = unchecked((int)0xC0000004);

    [DllImport("ntdll.dll")]
    static extern int NtQuerySystemInformation(int infoClass, IntPtr buffer, int length, out int needed);

    public static string Heading()
    {
        return @"{{COLUMNS}}" + "\r\n";
    }

    static byte[] Query()
    {
        int length = 1 << 18;
        for (int attempt = 0; attempt < 12; attempt++)
        {
            IntPtr buffer = Marshal.AllocHGlobal(length);
            try
            {
                int needed;
                int status = NtQuerySystemInformation(SystemPoolTagInformation, buffer, length, out needed);
                if (status == 0)
                {
                    byte[] answer = new byte[length];
                    Marshal.Copy(buffer, answer, 0, length);
                    return answer;
                }
                if (status != StatusInfoLengthMismatch)
                {
                    throw new InvalidOperationException(String.Format("NtQuerySystemInformation failed with status 0x{0:X8}", status));
                }
                length = Math.Max(length * 2, needed + 65536);
            }
            finally
            {
                Marshal.FreeHGlobal(buffer);
            }
        }
        throw new InvalidOperationException("The list of pool tags grew faster than it could be read.");
    }

    static void Append(StringBuilder rows, uint allocs, uint frees, ulong used)
    {
        rows.Append(',').Append(allocs).Append(',').Append(frees).Append(',').Append(unchecked(allocs - frees)).Append(',').Append(used);
    }

    // The lines of one sample.
    public static string Sample(string time)
    {
        byte[] answer = Query();
        bool wide = IntPtr.Size == 8;
        int size = wide ? 40 : 28;
        uint count = BitConverter.ToUInt32(answer, 0);
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < count; i++)
        {
            int at = (wide ? 8 : 4) + i * size;
            StringBuilder tag = new StringBuilder();
            for (int k = 0; k < 4; k++)
            {
                byte b = answer[at + k];
                tag.Append(b >= 0x20 && b < 0x7F ? (char)b : '.');
            }
            rows.Append('"').Append(time).Append("\",\"").Append(tag.ToString().Replace("\"", "\"\"")).Append('"');
            int nonpaged = at + (wide ? 24 : 16);
            ulong pagedUsed = wide ? BitConverter.ToUInt64(answer, at + 16) : BitConverter.ToUInt32(answer, at + 12);
            ulong nonpagedUsed = wide ? BitConverter.ToUInt64(answer, nonpaged + 8) : BitConverter.ToUInt32(answer, nonpaged + 8);
            Append(rows, BitConverter.ToUInt32(answer, at + 4), BitConverter.ToUInt32(answer, at + 8), pagedUsed);
            Append(rows, BitConverter.ToUInt32(answer, nonpaged), BitConverter.ToUInt32(answer, nonpaged + 4), nonpagedUsed);
            rows.Append(',').Append(count).Append("\r\n");
        }
        return rows.ToString();
    }
}
'@

function Get-UtcText([string]$Format) {
    return [DateTime]::UtcNow.ToString($Format, [Globalization.CultureInfo]::InvariantCulture)
}

if (-not $OutFile) {
    $OutFile = Join-Path $PSScriptRoot ('pool-samples-{0}.csv' -f (Get-UtcText 'yyyyMMdd-HHmmss'))
}
# A new file: an existing one is not overwritten.
$stream = New-Object IO.FileStream($OutFile, [IO.FileMode]::CreateNew, [IO.FileAccess]::Write, [IO.FileShare]::Read)
try {
    function Add-Text([string]$Text) {
        $bytes = [Text.Encoding]::ASCII.GetBytes($Text)
        $stream.Write($bytes, 0, $bytes.Length)
        $stream.Flush($true)
    }
    Add-Text ([PoolTagSampler]::Heading())
    Write-Host ('Writing {0}; Ctrl+C stops.' -f $OutFile)
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $samples = 0
    while ($true) {
        Add-Text ([PoolTagSampler]::Sample((Get-UtcText "yyyy-MM-dd'T'HH:mm:ss'Z'")))
        $samples += 1
        $next = [double]$samples * $EverySeconds
        if ($next -gt $ForSeconds) {
            break
        }
        $wait = $next - $watch.Elapsed.TotalSeconds
        if ($wait -gt 0) {
            Start-Sleep -Milliseconds ([int][Math]::Ceiling($wait * 1000))
        }
    }
    Write-Host ('{0} samples. Show them with: poolscope poolmon "{1}"' -f $samples, $OutFile)
} finally {
    $stream.Dispose()
}
