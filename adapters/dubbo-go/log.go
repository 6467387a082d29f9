// Where the adapter reports what it does by itself: dubbo-go's logger, once an application has set one up. It must never
// log a URL's parameters, which may hold a token.

package kubernetes

import (
	"fmt"
	"log/slog"

	"dubbo.apache.org/dubbo-go/v3/logger"
)

func warn(format string, arguments ...any) {
	text := "[Registry][Kubernetes] " + fmt.Sprintf(format, arguments...)
	if log := logger.GetLogger(); log != nil {
		log.Warn(text)
	} else {
		slog.Warn(text)
	}
}

func inform(format string, arguments ...any) {
	text := "[Registry][Kubernetes] " + fmt.Sprintf(format, arguments...)
	if log := logger.GetLogger(); log != nil {
		log.Info(text)
	} else {
		slog.Info(text)
	}
}
