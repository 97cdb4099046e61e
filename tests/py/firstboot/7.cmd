@echo off
rem Written by Rehost: runs once, before the first logon on the new machine
rem (SYSTEM\Setup, CmdLine). What it did stands in rehost-firstboot.log.
setlocal EnableExtensions DisableDelayedExpansion
set "here=%SystemRoot%\Rehost"
set "log=%SystemRoot%\rehost-firstboot.log"
set "sys=%SystemRoot%\System32"
rem for a 32-bit cmd.exe of a 64-bit Windows
if exist "%SystemRoot%\Sysnative\cmd.exe" set "sys=%SystemRoot%\Sysnative"
if "%~1"=="package" goto package
set "failed="
>>"%log%" echo %date% %time% the first start on the new machine

rem First of all: this does not run again. (Windows 2000 has no reg.exe.)
"%sys%\reg.exe" import "%here%\firstboot.reg" >>"%log%" 2>&1
if errorlevel 1 "%SystemRoot%\regedit.exe" /s "%here%\firstboot.reg"

call :install "netkvm" "netkvm.inf"
call :install "chipset" "chip set.inf"

call :find "52-54-00-12-AB-56"
if not defined conn >>"%log%" echo 10.3.58.5: %count% cards fit, set it by hand
if not defined conn goto net1
"%sys%\netsh.exe" interface ip set address name="%conn%" source=static addr=10.3.58.5 mask=255.255.255.0 gateway=10.3.58.1 gwmetric=0 >>"%log%" 2>&1
"%sys%\netsh.exe" interface ip set dns name="%conn%" source=static addr=10.3.58.4 validate=no >>"%log%" 2>&1
:net1

call :find "52-54-00-12-34-57"
if not defined conn >>"%log%" echo 192.168.1.123: %count% cards fit, set it by hand
if not defined conn goto net2
"%sys%\netsh.exe" interface ip set address name="%conn%" source=static addr=192.168.1.123 mask=255.255.255.0 gateway=192.168.1.1 gwmetric=0 >>"%log%" 2>&1
"%sys%\netsh.exe" interface ip set dns name="%conn%" source=static addr=192.168.1.112 validate=no >>"%log%" 2>&1
:net2

>>"%log%" echo %date% %time% done
if defined failed goto keep
rd /s /q "%here%" & exit 0
:keep
>>"%log%" echo what was not installed is in %here%\packages
del /q "%here%\*.out" "%here%\*.rc" "%here%\card*" 2>nul
del /q "%here%\firstboot.reg" "%here%\firstboot.cmd" & exit 0

rem name, INF
:install
set "name=%~1"
set "inf=%~2"
set try=0
:again
set /a try+=1
set wait=0
del /q "%here%\%name%.rc" "%here%\%name%.new" 2>nul
start "" /b "%sys%\cmd.exe" /d /c ""%here%\firstboot.cmd" package"
:wait
"%sys%\ping.exe" -n 3 127.0.0.1 >nul
if exist "%here%\%name%.rc" goto ended
set /a wait+=1
if %wait% lss 300 goto wait
"%sys%\taskkill.exe" /f /im pnputil.exe >nul 2>&1
type "%here%\%name%.out" >>"%log%" 2>nul
>>"%log%" echo %name%: no end after 10 minutes, given up
set failed=yes
exit /b
:ended
set rc=none
set /p rc=<"%here%\%name%.rc"
type "%here%\%name%.out" >>"%log%"
>>"%log%" echo %name%: pnputil gave %rc% at try %try%
rem 259: kept for a device that may come; 1641, 3010: after a restart
for %%c in (0 259 1641 3010) do if "%rc%"=="%%c" goto installed
if %try% lss 3 goto again
set failed=yes
exit /b
:installed
rd /s /q "%here%\packages\%name%"
exit /b

rem another process: name and inf are of the one that waits for it
:package
"%sys%\pnputil.exe" -i -a "%here%\packages\%name%\%inf%" >"%here%\%name%.out" 2>&1
>"%here%\%name%.new" echo %errorlevel%
ren "%here%\%name%.new" "%name%.rc"
exit

rem conn: the connection whose line in getmac's list has this text
:find
set try=0
:look
set count=0
set "conn="
"%sys%\getmac.exe" /v /fo csv /nh >"%here%\cards" 2>nul
"%sys%\find.exe" "%~1" <"%here%\cards" >"%here%\card" 2>nul
for /f "usebackq tokens=1 delims=," %%a in ("%here%\card") do (
set /a count+=1
set "conn=%%~a"
)
if %count%==1 exit /b
set "conn="
set /a try+=1
if %try% geq 30 exit /b
"%sys%\ping.exe" -n 3 127.0.0.1 >nul
goto look
