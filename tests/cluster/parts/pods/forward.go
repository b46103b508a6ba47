// Passes connections to a listening socket that was opened outside the namespace on to an address inside it.
package main

import (
	"io"
	"log"
	"net"
	"os"
	"strconv"
)

func forwardInherited(fd, target string) error {
	number, err := strconv.Atoi(fd)
	if err != nil {
		return err
	}
	file := os.NewFile(uintptr(number), "forward")
	listener, err := net.FileListener(file)
	file.Close()
	if err != nil {
		return err
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				log.Printf("forward to %s: %v", target, err)
				return
			}
			go pipe(connection.(*net.TCPConn), func() string { return target })
		}
	}()
	return nil
}

// pipe connects one client with an address that is picked when it comes.
func pipe(client *net.TCPConn, pick func() string) {
	defer client.Close()
	connection, err := net.Dial("tcp4", pick())
	if err != nil {
		_ = client.SetLinger(0) // the client sees a reset, as from a closed port
		return
	}
	server := connection.(*net.TCPConn)
	defer server.Close()
	done := make(chan bool, 2)
	copyOneWay := func(to, from *net.TCPConn) {
		if _, err := io.Copy(to, from); err != nil {
			_ = to.SetLinger(0) // pass a reset on as a reset
			to.Close()
		}
		_ = to.CloseWrite()
		done <- true
	}
	go copyOneWay(server, client)
	go copyOneWay(client, server)
	<-done
	<-done
}
