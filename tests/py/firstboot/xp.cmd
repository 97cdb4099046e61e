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


call :find "Tcpip_{"
if not defined conn >>"%log%" echo 192.168.1.103: %count% cards fit, set it by hand
if not defined conn goto net1
"%sys%\netsh.exe" interface ip set address name="%conn%" source=static addr=192.168.1.103 mask=255.255.255.0 gateway=192.168.1.1 gwmetric=1 >>"%log%" 2>&1
"%sys%\netsh.exe" interface ip set dns name="%conn%" source=static addr=192.168.1.1 >>"%log%" 2>&1
"%sys%\netsh.exe" interface ip add dns name="%conn%" addr=192.168.1.2 index=2 >>"%log%" 2>&1
:net1

>>"%log%" echo %date% %time% done
del /q "%here%\card*" 2>nul
del /q "%here%\firstboot.reg" "%here%\firstboot.cmd" & exit 0

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
